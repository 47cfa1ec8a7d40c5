"""The datasets by name; a module is imported when its dataset is asked for. Plug-ins announce themselves."""

from __future__ import annotations

from datasets.ops.names import Registry

DATASETS = Registry(
    "dataset",
    {
        "sidd": "datasets.sidd:SIDD",
        "polyu": "datasets.polyu:PolyU",
        "cc15": "datasets.cc15:CC15",
        "dnd": "datasets.dnd:DND",
        "bsd68": "datasets.classic:BSD68",
        "set12": "datasets.classic:Set12",
        "cbsd68": "datasets.classic:CBSD68",
        "kodak24": "datasets.classic:Kodak24",
        "kodak24-500": "datasets.classic:Kodak24Small",
        "bsd400": "datasets.classic:BSD400",
        "gopro": "datasets.gopro:GoPro",
        "hide": "datasets.gopro:HIDE",
        "realblur-j": "datasets.realblur:RealBlurJ",
        "realblur-r": "datasets.realblur:RealBlurR",
        "rain13k": "datasets.rain:Rain13K",
        "rain100l": "datasets.rain:Rain100L",
        "rain100h": "datasets.rain:Rain100H",
        "test100": "datasets.rain:Test100",
        "test1200": "datasets.rain:Test1200",
        "test2800": "datasets.rain:Test2800",
        "set11": "datasets.set11:Set11",
        "set5": "datasets.sr:Set5",
        "aim2019": "datasets.sr:AIM2019",
        "ntire2020": "datasets.sr:NTIRE2020",
        "realsr": "datasets.realsr:RealSR",
        "voc": "datasets.voc:VOC",
        "ldct": "datasets.ldct:LDCT",
        "folder": "datasets.folder:Folder",
        "demo": "datasets.demo:Demo",
        "demo-sr": "datasets.demo_sr:DemoSR",
        "ldct-demo": "datasets.ldct_demo:LDCTDemo",
    },
    "benchmark.datasets",
)
