"""Pictures of the page as SVG: charts, curves, surfaces, the network and formulas."""
