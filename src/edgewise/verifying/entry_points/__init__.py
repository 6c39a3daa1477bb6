"""What is called from outside: prove a property, find the least change, compare a formula, read a certificate."""
