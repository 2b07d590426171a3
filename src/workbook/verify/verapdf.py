"""Calls veraPDF: this module with JAR:JAR FLAVOUR… -- FILE… prints what it found as JSON."""

import json
import sys
from collections import Counter
from typing import Any

import jpype

from workbook.verify.java import start


def main(jars: str, *arguments: str) -> None:
    """Validate each file in each flavour."""
    at = arguments.index("--")
    # What a check makes is soon forgotten: with much room for it, that costs little.
    start(jars, "-Xmn1g", "-Xmx4g")
    jpype.JClass("org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider").initialise()
    found = [each for path in arguments[at + 1 :] for each in validate(path, arguments[:at])]
    print(json.dumps(found))


def validate(path: str, flavours: tuple[str, ...]) -> list[dict[str, Any]]:
    """What veraPDF says of a file, once for each flavour; it goes through the file once."""
    foundry = jpype.JClass("org.verapdf.pdfa.Foundries").defaultInstance()
    known = jpype.JClass("org.verapdf.pdfa.flavours.PDFAFlavour")
    wanted = jpype.java.util.ArrayList([known.byFlavourId(flavour) for flavour in flavours])
    with foundry.createParser(jpype.java.io.FileInputStream(path), wanted[0]) as parser:
        results = foundry.createValidator(wanted).validateAll(parser)
        return [verdict(path, result) for result in results]


def verdict(path: str, result: Any) -> dict[str, Any]:
    """A result as plain data; of each failed rule the first place."""
    rules = {}
    times = Counter()
    for assertion in result.getTestAssertions():
        rule = assertion.getRuleId()
        clause = f"{rule.getClause()}-{rule.getTestNumber()}"
        times[clause] += 1
        place = assertion.getLocation().getContext()
        rules.setdefault(clause, {"message": assertion.getMessage(), "place": place})
    return {
        "path": path,
        "flavour": result.getPDFAFlavour().getId(),
        "compliant": bool(result.isCompliant()),
        "assertions": int(result.getTotalAssertions()),
        "failures": [
            {"clause": clause, "times": times[clause], **rule} for clause, rule in rules.items()
        ],
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
