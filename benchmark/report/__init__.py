"""One page that shows a results folder: leaderboard, image comparator, charts, cards; it opens from disk.

Every module here turns records, or what belongs to them, into plain values; `page` writes these beside the scripts of
`assets/`, which only show them, without a network. No figure is computed in the browser but the PSNR of what is
visible, a sum over the squared errors that `blocks` has counted.
"""
