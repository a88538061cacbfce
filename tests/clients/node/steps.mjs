// Takes the steps that the test asks for: one JSON object a line in, one a line out.
import { createInterface } from 'node:readline'

// Whatever a client prints must not be taken for an answer.
console.log = console.info = console.error

/** `explain` tells what one of the client's errors knows beyond its message. */
export async function take (steps, explain = () => ({})) {
  for await (const line of createInterface({ input: process.stdin })) {
    const asked = JSON.parse(line)
    let said
    try {
      said = { gave: (await steps[asked.do](asked.with)) ?? null }
    } catch (error) {
      console.error(error)
      said = { raised: { type: error?.name ?? typeof error, message: String(error?.message ?? ''), details: explain(error) } }
    }
    process.stdout.write(JSON.stringify(said) + '\n')
  }
}
