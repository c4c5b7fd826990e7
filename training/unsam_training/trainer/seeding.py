from ..seeding import generator, seed_torch  # noqa: F401
