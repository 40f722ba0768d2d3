"""Steps in closed form, numpy alone: components, rotations, and where training begins or ends."""
