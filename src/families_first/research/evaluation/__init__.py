"""What the programme did to those who took part: effects, how sure they are, and how wrong one would have to be."""
