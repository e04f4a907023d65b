//! blindlist: the insurer's side.
