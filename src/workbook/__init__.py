"""The tooling of The PyTorch Workbook: from literate chapters to code and books."""
