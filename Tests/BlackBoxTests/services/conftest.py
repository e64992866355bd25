from support.systemd import bare_user, user  # noqa: F401  (fixtures)
