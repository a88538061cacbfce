// `simple-oauth2`, a generic OAuth 2 client, in front of Qonto's endpoints.
import { AuthorizationCode } from 'simple-oauth2'
import { take } from './steps.mjs'

let base, client, token

await take({
  connect ({ base_url: baseUrl, oauth }) {
    base = baseUrl
    client = new AuthorizationCode({
      client: { id: oauth.client_id, secret: oauth.client_secret },
      auth: { tokenHost: baseUrl, tokenPath: '/oauth2/token', authorizePath: '/oauth2/auth', revokePath: '/oauth2/revoke' },
      options: { authorizationMethod: 'body' },
      // It takes an answer without a body, as a revocation's is, for one that is not JSON unless told otherwise.
      http: { json: 'force' }
    })
    token = client.createToken({ access_token: 'gone', refresh_token: oauth.refresh_token, expires_in: -1 })
    return { expired: token.expired() }
  },
  authorizationUrl: ({ redirect_uri, scope, state, ...more }) =>
    client.authorizeURL({ redirect_uri, scope, state, ...more }),
  async exchange ({ code, redirect_uri, ...more }) {
    token = await client.getToken({ code, redirect_uri, ...more })
    return token.token
  },
  async refresh () {
    token = await token.refresh()
    return token.token
  },
  async revoke () {
    await token.revokeAll()
  },
  async call ({ method, path, json }) {
    const answer = await fetch(`${base}${path}`, {
      method,
      headers: { Authorization: `Bearer ${token.token.access_token}`, 'Content-Type': 'application/json' },
      body: json && JSON.stringify(json)
    })
    return { status: answer.status, body: await answer.json() }
  }
}, (error) => ({ status: error.output?.statusCode ?? null, body: error.data?.payload ?? null }))
