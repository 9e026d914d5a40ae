/** The SHA-256 of bytes that are written piece by piece. */
export class Digest {
  readonly #stream = new crypto.DigestStream("SHA-256");
  readonly #writer = this.#stream.getWriter();

  write(bytes: Uint8Array): Promise<void> {
    return this.#writer.write(bytes);
  }

  /** The digest in hexadecimal. */
  async end(): Promise<string> {
    await this.#writer.close();
    const bytes = new Uint8Array(await this.#stream.digest);
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }
}
