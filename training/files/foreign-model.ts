/**
 * Recognizes model files, and other files, that the import does not read, and says how a file that it reads is
 * made of them.
 */
import { FILE_FORMATS, type FileFormat, recognizeFormat } from "./file-format.ts";
import { unpackZlib } from "./unpack.ts";

/** How much of a large file is searched. */
const MAX_START_BYTES = 1_000_000;
const MAX_END_BYTES = 100_000;

const SEE_DOCUMENTS = "docs/import.md has the recipe";

/** How the models of each library are exported. */
const EXPORTS = {
  xgboost: "save it with XGBoost's save_model as .json or .ubj",
  lightgbm: `export it as ONNX with onnxmltools' convert_lightgbm; ${SEE_DOCUMENTS}`,
  catboost: `save it with CatBoost's save_model("model.onnx", format="onnx"); ${SEE_DOCUMENTS}`,
  sklearn: `export it as ONNX with skl2onnx's to_onnx(model, X[:1]); ${SEE_DOCUMENTS}`,
  torch: `export it as ONNX with torch.onnx.export; ${SEE_DOCUMENTS} for the inputs`,
  keras: `export it as ONNX with model.export("model.onnx", format="onnx") or tf2onnx; ${SEE_DOCUMENTS} for the inputs`,
  tensorflow: `convert it to ONNX with python -m tf2onnx.convert; ${SEE_DOCUMENTS} for the inputs`,
  h2o: "train it again with XGBoost, or export it from H2O as an XGBoost model in JSON",
} as const;
type Library = keyof typeof EXPORTS;

const ANY_EXPORT =
  "export the model as XGBoost JSON or UBJ (save_model) or as ONNX (skl2onnx, onnxmltools, CatBoost); " +
  SEE_DOCUMENTS;

/** Modules that a pickle names, by library. */
const PICKLED_MODULES: readonly (readonly [string, Library])[] = [
  ["xgboost.", "xgboost"],
  ["lightgbm.", "lightgbm"],
  ["catboost.", "catboost"],
  ["_catboost", "catboost"],
  ["sklearn.", "sklearn"],
  ["torch.", "torch"],
  ["keras.", "keras"],
];

const LIBRARY_NAMES: Readonly<Record<Library, string>> = {
  xgboost: "an XGBoost model",
  lightgbm: "a LightGBM model",
  catboost: "a CatBoost model",
  sklearn: "a scikit-learn model",
  torch: "a PyTorch model",
  keras: "a Keras model",
  tensorflow: "a TensorFlow model",
  h2o: "an H2O model",
};

/** Kinds of JSON, by a key that only they have. */
const JSON_KEYS: readonly (readonly [key: string, kind: string, advice: string])[] = [
  [
    "learner_train_param",
    "the configuration of an XGBoost model (save_config), without its trees",
    EXPORTS.xgboost,
  ],
  ["nodeid", "a dump of an XGBoost model, which cannot be read back", EXPORTS.xgboost],
  ["oblivious_trees", "a CatBoost model in JSON", EXPORTS.catboost],
  ["features_info", "a CatBoost model in JSON", EXPORTS.catboost],
  ["tree_info", "a LightGBM model in JSON (dump_model)", EXPORTS.lightgbm],
  ["irVersion", "an ONNX model in JSON", 'save it as a binary file: onnx.save(model, "model.onnx")'],
  ["nbformat", "a Jupyter notebook", ANY_EXPORT],
  ["class_name", "the architecture of a Keras model, without its weights", EXPORTS.keras],
];

/** Names of files in an archive, by what only such an archive has. */
const ZIP_ENTRIES: readonly (readonly [entry: string, kind: string, advice: string])[] = [
  ["model.weights.h5", "a Keras model", EXPORTS.keras],
  ["model.ini", "an H2O MOJO", EXPORTS.h2o],
  ["data.pkl", "a PyTorch model", EXPORTS.torch],
  ["saved_model.pb", "a TensorFlow SavedModel", EXPORTS.tensorflow],
  ["schema.json", "a model of skops or another zip file", EXPORTS.sklearn],
  [".npy", "a zip file of NumPy arrays", ANY_EXPORT],
  [".onnx", "a zip file with an ONNX model", "unpack it first"],
  ["word/document.xml", "a Word document", ANY_EXPORT],
];

/** Texts, by how they begin. */
const TEXT_STARTS: readonly (readonly [pattern: RegExp, kind: string, advice: string])[] = [
  [
    /^booster\[\d+\]:|^0:(\[|leaf=)/,
    "a dump of an XGBoost model, which cannot be read back",
    EXPORTS.xgboost,
  ],
  [/^digraph\b/, "a drawing of trees (Graphviz), which cannot be read back", ANY_EXPORT],
  [/^#+ +Model data|^\/\* Model data/m, "a CatBoost model as program code", EXPORTS.catboost],
  [/\bhex\.genmodel\b/, "an H2O POJO", EXPORTS.h2o],
  [
    /^(<\s*|\s*)ir_version\s*:/,
    "an ONNX model as text",
    'save it as a binary file: onnx.save(model, "model.onnx")',
  ],
];

/**
 * Says what a file is that is neither an ONNX file nor an XGBoost model in JSON or UBJ, and what to do.
 * @returns null if the file may be one of these two
 */
export async function describeForeignModel(bytes: Uint8Array): Promise<string | null> {
  const found = await recognizeForeignModel(bytes);
  return found === null ? null : `the file is ${found.kind}: ${found.advice}`;
}

interface ForeignModel {
  readonly kind: string;
  readonly advice: string;
}

async function recognizeForeignModel(bytes: Uint8Array): Promise<ForeignModel | null> {
  const start = toLatin1(bytes.subarray(0, 4096));
  const binary = recognizeBinary(bytes, start);
  if (binary !== null) return binary;
  const format = await recognizeFormat(bytes);
  switch (format) {
    case null:
      return recognizeText(bytes, start);
    case "json":
      return recognizeJson(bytes, start);
    case "pickle":
      return describePickle(bytes);
    case "zip":
      return findMarker(ZIP_ENTRIES, readAsText(bytes)) ?? { kind: FILE_FORMATS.zip, advice: ANY_EXPORT };
    case "xml":
      return {
        kind: /<PMML\b/.test(start) ? "a PMML document" : FILE_FORMATS.xml,
        advice: ANY_EXPORT,
      };
    case "hdf5":
      return /keras|model_weights/.test(readAsText(bytes))
        ? { kind: "a Keras model in HDF5", advice: EXPORTS.keras }
        : { kind: FILE_FORMATS.hdf5, advice: ANY_EXPORT };
    default:
      return { kind: FILE_FORMATS[format], advice: FORMAT_ADVICE[format] ?? ANY_EXPORT };
  }
}

const TABLE_ADVICE = `this looks like data, which --data reads as CSV; ${ANY_EXPORT}`;
const FORMAT_ADVICE: Readonly<Partial<Record<FileFormat, string>>> = {
  empty: "check how it was copied or downloaded",
  gzip: "it is packed twice; unpack it first",
  compressed: `unpack it first; if joblib wrote it, load it in Python and ${ANY_EXPORT}`,
  excel: TABLE_ADVICE,
  parquet: TABLE_ADVICE,
  arrow: TABLE_ADVICE,
  rData: 'load it in R and save an XGBoost model with xgb.save(model, "model.json")',
  html: "the address probably needs a login, or shows the file instead of sending it; download the file itself",
  lfsPointer: "get the file itself with: git lfs pull",
  lightgbmText: EXPORTS.lightgbm,
  catboost: EXPORTS.catboost,
  xgboostBinary: `load it with the version of XGBoost that wrote it (at most 2.x) and ${EXPORTS.xgboost}`,
};

/** Recognizes binary formats that {@link recognizeFormat} does not know, because data never have them. */
function recognizeBinary(bytes: Uint8Array, start: string): ForeignModel | null {
  const signature = start.slice(4, 8);
  if (signature === "TFL3") return { kind: "a TensorFlow Lite model", advice: EXPORTS.tensorflow };
  if (signature === "ORTM") {
    return {
      kind: "a model in onnxruntime's own format (.ort)",
      advice: "take the ONNX file that it was made of",
    };
  }
  if (start.startsWith("GGUF")) return { kind: "a language model (GGUF)", advice: ANY_EXPORT };
  if (/^[\s\S]{4}\0\0\0\0\{"/.test(start))
    return { kind: "a safetensors file, which has weights but no model", advice: EXPORTS.torch };
  if (isXgboostBinaryWithoutMark(bytes, start))
    return { kind: FILE_FORMATS.xgboostBinary, advice: FORMAT_ADVICE.xgboostBinary! };
  // A pickle of protocol 0 or 1 starts with the name of a function; one of joblib may be packed.
  if (/^\(?c[\w.]+\n\w+\n/.test(start)) return describePickle(bytes);
  const unpacked = unpackZlib(bytes);
  if (unpacked !== null) {
    return toLatin1(unpacked.subarray(0, 2)).startsWith("\x80")
      ? describePickle(unpacked)
      : { kind: "a file that zlib has packed", advice: `unpack it first; ${ANY_EXPORT}` };
  }
  // ONNX begins in the same way: with a small number as field 1.
  if (start.startsWith("\x08\x01\x12") && isSavedModel(readAsText(bytes)))
    return { kind: "a TensorFlow SavedModel", advice: EXPORTS.tensorflow };
  return null;
}

function isSavedModel(text: string): boolean {
  return text.includes("serve") && /saved_model_main_op|save\/|StatefulPartitionedCall|saver_def/.test(text);
}

/** Bytes of the parameters at the start of XGBoost's old binary format. The name of the objective follows. */
const XGBOOST_PARAMETER_BYTES = 136;

function isXgboostBinaryWithoutMark(bytes: Uint8Array, start: string): boolean {
  if (bytes.length < XGBOOST_PARAMETER_BYTES + 16) return false;
  const nameLength = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(XGBOOST_PARAMETER_BYTES, true);
  return (
    nameLength < 64n &&
    /^(reg|binary|multi|rank|count|survival):/.test(start.slice(XGBOOST_PARAMETER_BYTES + 8))
  );
}

function describePickle(bytes: Uint8Array): ForeignModel {
  const text = readAsText(bytes);
  const [library] = PICKLED_MODULES.map(([module, name]) => ({ name, position: text.indexOf(module) }))
    .filter(({ position }) => position >= 0)
    .sort((a, b) => a.position - b.position)
    .map(({ name }) => name);
  if (library === undefined)
    return { kind: FILE_FORMATS.pickle, advice: `load it in Python and ${ANY_EXPORT}` };
  return {
    kind: `${FILE_FORMATS.pickle} with ${LIBRARY_NAMES[library]}`,
    advice: `load it in Python and ${EXPORTS[library]}`,
  };
}

function recognizeJson(bytes: Uint8Array, start: string): ForeignModel | null {
  const text = start.replace(/^\xef\xbb\xbf/, "").trimStart();
  // A model of XGBoost has its trees under learner.
  const isModel =
    bytes.includes(0) || (/^\{/.test(text) && hasKey(bytes, "gradient_booster") && hasKey(bytes, "model"));
  if (isModel && !hasKey(bytes, "learner_train_param")) return null;
  const found = JSON_KEYS.find(([key]) => hasKey(bytes, key));
  if (found !== undefined) return { kind: found[1], advice: found[2] };
  if (/^\[\s*"(booster\[|0:)/.test(text)) return { kind: JSON_KEYS[1]![1], advice: EXPORTS.xgboost };
  return text.startsWith("[")
    ? { kind: "a JSON document, but no model of XGBoost", advice: ANY_EXPORT }
    : null;
}

/** Looks for a key of JSON: in quotes, which are escaped in a list of texts. */
function hasKey(bytes: Uint8Array, key: string): boolean {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return file.includes(`"${key}"`) || file.includes(`\\"${key}\\"`);
}

function recognizeText(bytes: Uint8Array, start: string): ForeignModel | null {
  if (!isText(bytes.subarray(0, 4096))) return null;
  const text = start.replace(/^\xef\xbb\xbf/, "").trimStart();
  const found = TEXT_STARTS.find(([pattern]) => pattern.test(text));
  if (found !== undefined) return { kind: found[1], advice: found[2] };
  const [header = "", row = ""] = text.split(/\r?\n/);
  const separator = [",", ";", "\t"].find((character) => header.split(character).length > 2);
  if (separator !== undefined && row.split(separator).length === header.split(separator).length)
    return { kind: "a table in CSV", advice: TABLE_ADVICE };
  return null;
}

function findMarker(
  list: readonly (readonly [marker: string, kind: string, advice: string])[],
  text: string,
): ForeignModel | null {
  const found = list.find(([marker]) => text.includes(marker));
  return found === undefined ? null : { kind: found[1], advice: found[2] };
}

/** Whether bytes are UTF-8 without control characters, which ONNX always has. */
function isText(bytes: Uint8Array): boolean {
  if (bytes.some((byte) => byte < 32 && byte !== 9 && byte !== 10 && byte !== 13)) return false;
  try {
    // The last character may be cut.
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}

/** The start and the end of a file as Latin-1. A zip file lists its files at the end. */
function readAsText(bytes: Uint8Array): string {
  return (
    toLatin1(bytes.subarray(0, MAX_START_BYTES)) +
    toLatin1(bytes.subarray(MAX_START_BYTES).subarray(-MAX_END_BYTES))
  );
}

function toLatin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}
