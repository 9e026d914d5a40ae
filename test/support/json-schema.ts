/**
 * A service for the tests in workerd, where code cannot be made at run time as Ajv does: is a value what a
 * part of an OpenAPI 3.1 document says?
 */
import type { ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

let document: string | undefined;
let ajv: Ajv2020 | undefined;
const compiled = new Map<string, ValidateFunction>();

/** `PUT` takes the document; `POST ?schema=JSON pointer` takes a value and answers a list of errors. */
export async function validateJson(request: Request): Promise<Response> {
  if (request.method === "PUT") {
    const text = await request.text();
    if (text === document) return new Response(null, { status: 204 });
    document = text;
    compiled.clear();
    ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: true });
    addFormats.default(ajv);
    ajv.addSchema({ ...JSON.parse(text), $id: "document" });
    return new Response(null, { status: 204 });
  }
  const pointer = new URL(request.url).searchParams.get("schema") ?? "";
  const validate = compiled.get(pointer) ?? ajv?.compile({ $ref: `document#${pointer}` });
  if (validate === undefined) return new Response("no document yet", { status: 409 });
  compiled.set(pointer, validate);
  let value: unknown;
  try {
    value = JSON.parse(await request.text());
  } catch {
    return Response.json(["is no JSON"]);
  }
  validate(value);
  return Response.json(validate.errors?.map((error) => `${error.instancePath} ${error.message}`) ?? []);
}
