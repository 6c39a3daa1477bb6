"""The live network: what the page's script needs to answer when inputs are moved."""
