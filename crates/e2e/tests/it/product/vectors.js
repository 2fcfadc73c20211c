// Runs in the authenticator's page: its own modules against the golden vectors of crates/protocol.
// Gives a list of sentences, one for each difference.
(async ({ answer, device_sign_in: signIn, webauthn_challenge: challenges }) => {
  const own = performance.getEntriesByType("resource").map((entry) => entry.name);
  const load = (name) => import(own.find((address) => address.endsWith(name)));
  const jose = await load("/authenticator/jose.js");
  const { approve } = await load("/authenticator/answer.js");
  const { fromBase64url, toBase64url } = await load("/shared/bytes.js");
  const text = (bytes) => new TextDecoder().decode(bytes);
  const wrong = [];
  const same = (what, got, wanted) => got === wanted || wrong.push(`${what}: ${got} instead of ${wanted}`);
  const { privateKey } = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
  const good = (vectors) => vectors.cases.filter(({ expect }) => expect === "ok");

  /** Signed with a key of our own, since a vector shows none; all but the signature must be the same, byte for byte. */
  const checkSigned = async (name, typ, payload, { input, output }) => {
    const kid = await jose.thumbprint(input.key);
    same(`${name}: payload`, text(payload), output.payload);
    const jws = await jose.sign({ key: privateKey, kid }, typ, payload);
    same(`${name}: what is signed`, jws.split(".").slice(0, 2).join("."), output.signing_input);
    same(`${name}: length`, jws.length, input.jws.length);
  };

  // The bytes whose hash the vectors carry.
  const context = toBase64url(new TextEncoder().encode("the context bytes as sent"));
  const parts = (payload) => {
    const { challenge: id, version, nonce, decision, number = null, device, kid, origin, exp } = JSON.parse(payload);
    const account = { device, kid, server: { origin }, key: privateKey, credential: { id: "AA", transports: [] } };
    return { account, request: { id, version, nonce, context, expires_at: exp * 1000, now: exp * 1000 - 1 }, decision, number };
  };
  for (const vector of good(answer)) {
    const { account, request, decision, number } = parts(vector.output.payload);
    const payload = await jose.answerPayload(account, request, decision, number);
    await checkSigned(vector.name, "nod-answer+jwt", payload, vector);
  }
  for (const vector of good(signIn)) {
    const { nonce, device, origin } = JSON.parse(vector.output.payload);
    const payload = jose.devicePayload(nonce, { device, server: { origin } });
    await checkSigned(vector.name, "nod-device+jwt", payload, vector);
  }
  for (const { name, input, output } of good(challenges)) {
    const { account, request, decision, number } = parts(input.payload);
    if (decision === "approve") {
      let options = {};
      const notice = (given) => {
        options = given;
        throw new Error("only the options are wanted");
      };
      await approve(account, request, number, notice).catch(() => null);
      same(`${name}: challenge`, options.challenge, output.challenge);
      same(`${name}: user verification`, options.userVerification, "required");
      same(`${name}: relying party`, options.rpId, new URL(account.server.origin).hostname);
    }
  }
  return { wrong, checked: [answer, signIn, challenges].map((vectors) => good(vectors).length) };
})
