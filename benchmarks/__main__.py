"""`make bench`: every measurement, one after the other, with the machine they were made on."""

from __future__ import annotations

from benchmarks import api, deploy, localcloud, measure, preflight, synth, tracing


def main() -> None:
    print(f"Machine: {measure.machine()}\n")
    synth.main()
    deploy.main()
    localcloud.main()
    preflight.main()
    api.main()
    tracing.main()


if __name__ == "__main__":
    main()
