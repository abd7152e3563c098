"""The embedded run: the unmodified template of stage `local` on an emulator of AWS on this machine."""
