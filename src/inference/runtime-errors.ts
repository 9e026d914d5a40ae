/**
 * A model file is missing, has another SHA-256 than the registry says, or is not a model that prices stones.
 */
export class InvalidModelFileError extends Error {}

/** A model needs more memory than an isolate may give it. The message has both numbers. */
export class ModelTooLargeError extends Error {}

/** There is no room to load another model at the moment. It says nothing about the model. */
export class LoadRefusedError extends Error {
  readonly retryAfterSeconds: number;

  constructor(reason: string, retryAfterSeconds: number) {
    super(reason);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The memory of the runtime has reached its limit. The runtime itself still works. */
export class OutOfMemoryError extends Error {}

/** A call of the runtime was made during another one. The call was not started. */
export class OverlappingCallError extends Error {}
