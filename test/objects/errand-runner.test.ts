import { describe, expect, it } from 'vitest'
import { ErrandRunner } from '../../src/objects/errand-runner.ts'

const call = (id: string) => ({ id })

/** A list of things to tell, and how each goes: answered at once, refused, or whenever `answer` says. */
class ToTell {
  readonly todo: { id: string }[]
  readonly told: string[] = []
  readonly waves: number[] = []
  readonly failed: string[] = []
  during: (id: string) => unknown = () => undefined
  readonly runner = new ErrandRunner<{ id: string }>('test', {
    next: (most, except) => {
      const wave = this.todo.filter(({ id }) => !except.has(id)).slice(0, most)
      if (wave.length > 0) this.waves.push(wave.length)
      return wave
    },
    carryOut: async ({ id }) => {
      await this.during(id)
      this.told.push(id)
    },
    report: async (answered, failed) => {
      for (const { id } of [...answered, ...failed])
        this.todo.splice(
          this.todo.findIndex(one => one.id === id),
          1,
        )
      this.failed.push(...failed.map(({ id }) => id))
    },
  })

  constructor(count: number) {
    this.todo = Array.from({ length: count }, (_, i) => call(`call-${i}`))
  }
}

describe('errands', () => {
  it('are carried out in waves until none is left', async () => {
    const errands = new ToTell(120)
    await errands.runner.run()
    expect(errands.waves).toEqual([50, 50, 20])
    expect(errands.told).toHaveLength(120)
  })

  it('that fail are not tried again in the same run, and hold up no others', async () => {
    const errands = new ToTell(3)
    errands.during = id => (id === 'call-1' ? Promise.reject(new Error('overloaded')) : undefined)
    await errands.runner.run()
    expect(errands.told).toEqual(['call-0', 'call-2'])
    expect(errands.failed).toEqual(['call-1'])
  })

  it('that come while a run goes on are part of it', async () => {
    const errands = new ToTell(1)
    errands.during = id => {
      if (id === 'call-0') {
        errands.todo.push(call('late'))
        void errands.runner.run()
      }
    }
    await errands.runner.run()
    expect(errands.told).toEqual(['call-0', 'late'])
  })

  it('are carried out by the next run if there was none to do before', async () => {
    const errands = new ToTell(0)
    await errands.runner.run()
    errands.todo.push(call('now'))
    await errands.runner.run()
    expect(errands.told).toEqual(['now'])
  })
})
