"""What the programme did to those who took part: effects, how sure they are, and what would undo them."""
