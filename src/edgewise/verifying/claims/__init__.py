"""From a property to the goals that show it, and how a certificate states them."""
