"""MSSR: several probabilistic degradation generators, and two restorers that learn together from what they make."""
