// A line that fills while something runs, and then says how long it took. Where the output is no terminal, only the last
// word is said.

const BAR_CHARS = 24
const REDRAW_MS = 60

export const counted = (n: number): string => n.toLocaleString('en')

export class Progress {
  readonly #name: string
  readonly #total: number
  readonly #started = performance.now()
  #drawnMs = 0

  constructor(name: string, total: number) {
    this.#name = name.padEnd(9)
    this.#total = total
  }

  at(done: number): void {
    if (!process.stdout.isTTY || performance.now() - this.#drawnMs < REDRAW_MS) return
    this.#drawnMs = performance.now()
    process.stdout.write(`\r${this.#line(done)} ${counted(done)} of ${counted(this.#total)}\u001b[K`)
  }

  done(count: number, more = ''): void {
    const seconds = (performance.now() - this.#started) / 1_000
    const rate = counted(Math.round(count / seconds))
    const line = `${this.#line(count)} ${counted(count)} records in ${seconds.toFixed(2)} s, ${rate} records/s${more}`
    process.stdout.write(`${process.stdout.isTTY ? '\r' : ''}${line}${process.stdout.isTTY ? '\u001b[K' : ''}\n`)
  }

  #line(done: number): string {
    const full = Math.round((BAR_CHARS * Math.min(done, this.#total)) / Math.max(this.#total, 1))
    return `${this.#name} ${'█'.repeat(full)}${'░'.repeat(BAR_CHARS - full)}`
  }
}
