/** Why a connection failed, by the codes of Node and of its `fetch`. */
const REASONS: Readonly<Record<string, string>> = {
  ENOTFOUND: "there is no server with this name",
  EAI_AGAIN: "the name of the server cannot be looked up",
  ECONNREFUSED: "the server refuses the connection",
  ECONNRESET: "the server closed the connection",
  EPIPE: "the server closed the connection",
  UND_ERR_SOCKET: "the server closed the connection",
  EHOSTUNREACH: "the server cannot be reached",
  ENETUNREACH: "the network of the server cannot be reached",
  ETIMEDOUT: "the connection timed out",
  UND_ERR_CONNECT_TIMEOUT: "the connection timed out",
  UND_ERR_HEADERS_TIMEOUT: "the server did not respond in time",
  UND_ERR_BODY_TIMEOUT: "the server stopped sending",
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: "the server sent less than it announced",
  ERR_TLS_CERT_ALTNAME_INVALID: "the certificate of the server is for another name",
  CERT_HAS_EXPIRED: "the certificate of the server has expired",
  CERT_NOT_YET_VALID: "the certificate of the server is not valid yet",
  CERT_REVOKED: "the certificate of the server was revoked",
  DEPTH_ZERO_SELF_SIGNED_CERT: "the certificate of the server is self-signed and not trusted",
  SELF_SIGNED_CERT_IN_CHAIN: "the certificate of the server is signed by an unknown authority",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "the certificate of the server cannot be verified",
  UNABLE_TO_GET_ISSUER_CERT: "the certificate of the server is signed by an unknown authority",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "the certificate of the server is signed by an unknown authority",
  ERR_SSL_WRONG_VERSION_NUMBER: "the server does not speak https on this port",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "the server does not speak https on this port",
  EPROTO: "the server does not speak https on this port",
};
const MAX_CAUSES = 5;

/**
 * Says why a download failed, from the codes of an error and of its causes. The texts of unknown errors are not
 * shown: they may contain the address with its query.
 */
export function explainConnectionError(error: unknown): string {
  const codes = listCauses(error).flatMap((cause) =>
    "code" in cause && typeof cause.code === "string" ? [cause.code] : [],
  );
  for (const code of codes) if (REASONS[code] !== undefined) return `${REASONS[code]} (${code})`;
  const [code] = codes;
  if (code?.startsWith("HPE_")) return `the server does not speak http on this port (${code})`;
  if (code !== undefined && /CERT/.test(code))
    return `the certificate of the server is not accepted (${code})`;
  if (code?.startsWith("ERR_SSL_")) return `a secure connection is not possible (${code})`;
  const isBadPort = listCauses(error).some(({ message }) => message === "bad port");
  if (isBadPort) return "this port is not for http: browsers and Node refuse it";
  return code === undefined ? "cannot connect to the server" : `cannot connect to the server (${code})`;
}

function listCauses(error: unknown): Error[] {
  const causes: Error[] = [];
  for (let cause = error; cause instanceof Error && causes.length < MAX_CAUSES; cause = cause.cause) {
    causes.push(cause);
    if (cause instanceof AggregateError) causes.push(...cause.errors.filter((one) => one instanceof Error));
  }
  return causes;
}
