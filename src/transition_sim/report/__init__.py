"""Pages that people read: nothing here simulates more than it shows, and every page stands alone in one file."""
