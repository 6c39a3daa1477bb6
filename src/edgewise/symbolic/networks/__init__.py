"""Small networks on their way to formulas: their shapes, and closed forms for their edges."""
