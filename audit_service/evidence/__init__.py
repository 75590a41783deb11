"""Evidence: the log as a transparency log (C2SP), whose alteration anybody can prove."""
