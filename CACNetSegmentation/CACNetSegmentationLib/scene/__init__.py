"""Between MRML nodes and the arrays of `cacnet`. Uses slicer and vtk, never qt; the scene is always passed in."""
