"""The scale's file and the files of its studies: read, checked, resolved."""
