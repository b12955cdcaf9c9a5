"""Slicer's side of CACNet: `scene` talks to MRML, `widgets` to Qt. The science is in `cacnet`."""
