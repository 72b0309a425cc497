"""How each operation is carried out, one module an area; what they need is handed in."""
