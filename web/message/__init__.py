"""The page of one message: the verdict, and everything that it stands on."""
