/**
 * A service that validates JSON for the tests in workerd. Ajv generates code at run time, which workerd
 * does not allow, so it runs in Node.
 */
import type { ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

let document: string | undefined;
let ajv: Ajv2020 | undefined;
const validators = new Map<string, ValidateFunction>();

/**
 * `PUT` stores an OpenAPI 3.1 document. `POST ?schema=<JSON pointer>` validates the body against that part
 * of the document and answers a list of errors.
 */
export async function validateJson(request: Request): Promise<Response> {
  if (request.method === "PUT") {
    const text = await request.text();
    if (text === document) return new Response(null, { status: 204 });
    document = text;
    validators.clear();
    ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: true });
    addFormats.default(ajv);
    ajv.addSchema({ ...JSON.parse(text), $id: "document" });
    return new Response(null, { status: 204 });
  }
  const pointer = new URL(request.url).searchParams.get("schema") ?? "";
  const validate = validators.get(pointer) ?? ajv?.compile({ $ref: `document#${pointer}` });
  if (validate === undefined) return new Response("no document was stored", { status: 409 });
  validators.set(pointer, validate);
  let value: unknown;
  try {
    value = JSON.parse(await request.text());
  } catch {
    return Response.json(["not valid JSON"]);
  }
  validate(value);
  return Response.json(validate.errors?.map((error) => `${error.instancePath} ${error.message}`) ?? []);
}
