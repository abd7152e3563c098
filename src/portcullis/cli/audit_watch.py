"""One look of ``portcullis audit watch``: the kept checkpoint, the next one, and evidence when they disagree."""

import json
import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from portcullis.cli import audit_checks
from portcullis.cli.audit_checks import Unproven
from portcullis.cli.audit_key import read
from portcullis.cli.context import Session
from portcullis.cli.failure import REFUSED, USAGE, Failure
from portcullis.protocol.checkpoints import Checkpoint
from portcullis.protocol.notes import VerifierKey

CHECKPOINT = "/v1/audit/checkpoint"


@dataclass(frozen=True, slots=True)
class Watch:
    """A log's kept checkpoint, in the file ``state``, is the note itself."""

    session: Session
    key: VerifierKey
    state: Path

    def look(self) -> str | None:
        """Verify the next checkpoint and keep it; what to tell, None when nothing was added. Raises Failure."""
        kept = self._kept()
        answer = read(self.session, CHECKPOINT)
        note, proof = answer.get("checkpoint"), dict[str, Any]()
        if note is None and kept is None:
            return "the log is empty"
        try:
            old = audit_checks.signed(kept, self.key, "the kept checkpoint") if kept is not None else None
            new = audit_checks.signed(note, self.key)
            if old is not None:
                if new.size > old.size:
                    proof = read(self.session, "/v1/audit/consistency", first=old.size, second=new.size)
                _check(old, new, proof)
        except Unproven as fault:
            evidence = {"what": str(fault), "kept": kept, "seen": answer, "proof": proof, "key": self.key.text}
            raise Failure(f"{fault}. Evidence: {self._keep_evidence(evidence)}", REFUSED) from None
        if old is not None and old.size == new.size:
            return None
        _write(self.state, str(note))
        if old is None:
            return f"pinned at {new.size} entries"
        return f"grew from {old.size} to {new.size} entries, consistently"

    def _kept(self) -> str | None:
        try:
            return self.state.read_bytes().decode(errors="replace")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Failure(f"--state: {self.state} cannot be read: {error}", USAGE) from None

    def _keep_evidence(self, evidence: dict[str, Any]) -> Path:
        """Named by its content, so that the same evidence is one file and no other is lost."""
        text = json.dumps(evidence, indent=2) + "\n"
        path = self.state.with_name(f"{self.state.name}.evidence-{sha256(text.encode()).hexdigest()[:12]}.json")
        _write(path, text)
        return path


def _check(old: Checkpoint, new: Checkpoint, proof: dict[str, Any]) -> None:
    if new.size < old.size:
        raise Unproven(f"the log has {new.size} entries, fewer than the {old.size} that it had")
    audit_checks.consistent(old, new, proof if new.size > old.size else {"hashes": []})


def _write(path: Path, text: str) -> None:
    """Replace the file as a whole, on disk before it counts."""
    partial = path.with_name(f"{path.name}.partial")
    try:
        with partial.open("wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise Failure(f"{path} cannot be written: {error}", USAGE) from None
