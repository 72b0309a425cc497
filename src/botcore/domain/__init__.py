"""What trading is made of: pure values, exact numbers, and the errors that can befall them."""
