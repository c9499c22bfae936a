"""What a traced call reads: variables, random draws, dtypes, names, masks, real rows; and how it is compiled."""
