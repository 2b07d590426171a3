"""What stands in the files: editions, chapters, blocks, cells, exercises."""
