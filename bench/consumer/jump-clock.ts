/** Preloaded into a process: sets the wall clock that it sees back by an hour at SIGUSR2. */
let shiftMs = 0;
const RealDate = Date;

class ShiftedDate extends RealDate {
  static override now(): number {
    return RealDate.now() + shiftMs;
  }

  constructor(...args: unknown[]) {
    super(...((args.length === 0 ? [ShiftedDate.now()] : args) as [number]));
  }
}

globalThis.Date = ShiftedDate as DateConstructor;
process.on("SIGUSR2", () => {
  shiftMs -= 3_600_000;
});
