// `devour-client`, a generic client for JSON:API with models.
import JsonApi from 'devour-client'
import { take } from './steps.mjs'

const LINK = {
  amount: '',
  currency: '',
  accountCurrency: '',
  paymentType: '',
  reference: '',
  status: '',
  network: '',
  payCurrencies: [],
  hostedPageUrl: '',
  target: { jsonApi: 'hasOne', type: 'invoices' }
}
let api

await take({
  connect ({ base_url: baseUrl, headers }) {
    const bearer = headers.Authorization.replace('Bearer ', '')
    api = new JsonApi({ apiUrl: `${baseUrl}/api/public/v1`, bearer, pluralize: false, logger: false })
    // Links are asked for by one name and answered by another.
    api.define('payment_links', { ...LINK, expires_at: '' })
    api.define('paymentLinks', { ...LINK, expiresAt: '' })
    api.define('invoices', { status: '', amountBilled: '', address: { jsonApi: 'hasOne', type: 'addresses' } })
    api.define('addresses', { value: '' })
  },
  create: async (attributes) => (await api.create('payment_links', attributes)).data,
  read: async ({ id }) => (await api.find('payment_links', id, { include: 'target' })).data,
  async listed (params) {
    const { data, meta } = await api.findAll('payment_links', params)
    return { data, meta }
  }
}, (error) => ({ errors: error[0] ? [error[0]] : [] }))
