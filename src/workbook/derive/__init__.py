"""What is written from the chapters: modules, exercises, appendices."""
