"""The modules of The PyTorch Workbook, tangled from its chapters: edit there."""
