"""Checks heads and proofs with the package aics-tlog, which nobody here wrote. Reads cases as JSON from standard input,
and prints for each whether it is accepted."""

import base64
import json
import sys

from aics_tlog import parse_checkpoint, parse_note, parse_vkey, verify_consistency, verify_leaf_inclusion, verify_note


def opened(key, text):
    note = parse_note(text)
    vkey = parse_vkey(key)
    if not verify_note(note, [vkey]):
        raise ValueError("not signed by this key")
    head = parse_checkpoint(note.text)
    if head.origin != vkey.name or head.extension_lines:
        raise ValueError("not a checkpoint of this log")
    return head


def accepted(case):
    try:
        newer = opened(case["key"], case["note"])
        if case["sort"] == "head":
            return True
        hashes = [base64.b64decode(text, validate=True) for text in case["hashes"]]
        if case["sort"] == "inclusion":
            entry = case["entry"].encode()
            return verify_leaf_inclusion(entry, case["number"], newer.size, hashes, newer.root)
        older = opened(case["key"], case["old"])
        return verify_consistency(older.size, newer.size, older.root, newer.root, hashes)
    except ValueError:
        return False


json.dump([accepted(case) for case in json.load(sys.stdin)], sys.stdout)
