const encoder = new TextEncoder();
/** The two hexadecimal digits of each byte. */
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** The SHA-256 hash of data as hexadecimal text. Text is encoded as UTF-8. */
export async function sha256(data: string | BufferSource): Promise<string> {
  const bytes = typeof data === "string" ? encoder.encode(data) : data;
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  let text = "";
  for (const byte of new Uint8Array(digest)) text += HEX[byte];
  return text;
}
