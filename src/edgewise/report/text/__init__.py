"""Numbers, shapes of curves and SVG as text."""
