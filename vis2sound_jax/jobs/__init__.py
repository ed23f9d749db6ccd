"""Jobs: each module does one thing a user asks for; `run(config, workdir)` returns what it wrote."""
