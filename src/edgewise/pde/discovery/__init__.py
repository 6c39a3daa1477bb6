"""From measured fields back to the law: spline fits, weak-form regression, selection of terms."""
