// The verifiers that receivers of webhooks use: `svix`, `standardwebhooks`, and `stripe` for its `t=…,v1=…` scheme.
// Each throws an error of its own unless the webhook is genuine.
import { Webhook as StandardWebhook } from 'standardwebhooks'
import Stripe from 'stripe'
import { Webhook as SvixWebhook } from 'svix'
import { take } from './steps.mjs'

const TOLERANCE_SECONDS = 300

await take({
  by_svix: ({ secret, headers, body }) => { new SvixWebhook(secret).verify(body, headers) },
  by_standardwebhooks: ({ secret, headers, body }) => {
    // The same scheme under the names that the standard gives it.
    const renamed = Object.entries(headers).map(([name, value]) => [name.replace('svix-', 'webhook-'), value])
    new StandardWebhook(secret).verify(body, Object.fromEntries(renamed))
  },
  by_stripe: ({ secret, header, body }) => {
    Stripe.webhooks.signature.verifyHeader(body, header, secret, TOLERANCE_SECONDS)
  }
})
