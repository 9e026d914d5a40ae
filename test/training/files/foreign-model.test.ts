import { readFileSync } from "node:fs";
import { deflateSync, gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { describeForeignModel } from "../../../training/files/foreign-model.ts";
import { unpackGzip } from "../../../training/files/unpack.ts";
import { createTreeModel } from "../../support/tree-model.ts";

const SAVE_MODEL = "save it with XGBoost's save_model as .json or .ubj";
const NODE = '{ "nodeid": 0, "depth": 0, "split": "carat", "split_condition": 1 }';
const SKLEARN_PICKLE = "\x80\x04\x95\xc8\x01\0\0\0\0\0\0\x8c\x1asklearn.linear_model._base\x94";

/** The parameters of XGBoost's old binary format, and the name of the objective. */
function createXgboostBinary(): string {
  const parameters = Buffer.alloc(136);
  parameters.writeFloatLE(0.5, 0);
  parameters.writeUInt32LE(9, 4);
  return `${parameters.toString("latin1")}\x10\0\0\0\0\0\0\0reg:squarederror\x06\0\0\0\0\0\0\0gbtree`;
}

test.each([
  ["", "the file is empty: check how it was copied or downloaded"],
  [
    SKLEARN_PICKLE,
    "a Python pickle with a scikit-learn model: load it in Python and export it as ONNX with skl2onnx",
  ],
  [
    deflateSync(Buffer.from(SKLEARN_PICKLE, "latin1")).toString("latin1"),
    "a Python pickle with a scikit-learn model",
  ],
  ["ccopy_reg\n_reconstructor\np0\n(clightgbm.sklearn\n", "a Python pickle with a LightGBM model"],
  [
    "\x80\x04\x95_\0\0\0\0\0\0\0\x8c\x0cxgboost.core\x94\x8c\x07Booster\x94",
    `with an XGBoost model: load it in Python and ${SAVE_MODEL}`,
  ],
  [
    "\x80\x03cpandas.core.frame\nDataFrame\n",
    "the file is a Python pickle: load it in Python and export the model",
  ],
  [`[\n  ${NODE}\n]`, `a dump of an XGBoost model, which cannot be read back: ${SAVE_MODEL}`],
  [JSON.stringify([NODE]), "a dump of an XGBoost model"],
  [JSON.stringify(["0:[f0<0.5] yes=1,no=2,missing=1\n"]), "a dump of an XGBoost model"],
  ["booster[0]:\n0:[carat<1] yes=1,no=2,missing=1\n", "a dump of an XGBoost model"],
  ["0:[carat<1] yes=1,no=2,missing=1\n", "a dump of an XGBoost model"],
  [
    '{"learner":{"gradient_booster":{"gbtree_model_param":{}},"learner_train_param":{}},"version":[2,1,0]}',
    "the configuration of an XGBoost model (save_config)",
  ],
  [
    createXgboostBinary(),
    `an XGBoost model in the old binary format: load it with the version of XGBoost that wrote it (at most 2.x) and ${SAVE_MODEL}`,
  ],
  [`binf${createXgboostBinary()}`, "an XGBoost model in the old binary format"],
  ["tree\nversion=v4\n", "a LightGBM text model: export it as ONNX with onnxmltools' convert_lightgbm"],
  ['{"name": "tree", "version": "v4", "tree_info": []}', "a LightGBM model in JSON (dump_model)"],
  ["CBM1 !\0", 'a CatBoost model: save it with CatBoost\'s save_model("model.onnx", format="onnx")'],
  ['{"features_info": {}, "oblivious_trees": []}', "a CatBoost model in JSON"],
  ["###  Model data\nclass catboost_model(object):\n", "a CatBoost model as program code"],
  ['<?xml version="1.0"?>\n<PMML version="4.4"/>', "a PMML document"],
  ["PK\x03\x04abc model.weights.h5", "a Keras model"],
  ["PK\x03\x04abc archive/data.pkl", "a PyTorch model"],
  ["PK\x03\x04abc model.ini", "an H2O MOJO"],
  ["\x1c\0\0\0TFL3\0\0", "a TensorFlow Lite model"],
  ["\x08\x01\x12\x05\x0aserve save/restore", "a TensorFlow SavedModel"],
  ['\x40\0\0\0\0\0\0\0{"weight":{"dtype":"F32"}}', "a safetensors file"],
  ["X\n\0\0\0\x03", "an R data file: load it in R and save an XGBoost model with xgb.save"],
  ["PAR1\x15", "a Parquet file: this looks like data, which --data reads as CSV"],
  ["carat,cut,color\n0.3,Ideal,E\n", "a table in CSV"],
  ["<!doctype html><title>Sign in</title>", "an HTML page: the address probably needs a login"],
  [
    "version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 12\n",
    "a pointer of Git LFS, not the file itself: get the file itself with: git lfs pull",
  ],
  ["[1, 2]", "a JSON document, but no model of XGBoost"],
])("names %j", async (text, sentence) => {
  expect(await describeForeignModel(Buffer.from(text, "latin1"))).toContain(sentence);
});

test.each([
  ["an XGBoost model in JSON", readFileSync("test/fixtures/xgboost-import/3.2.0/one-hot.json")],
  ["an XGBoost model in UBJ", readFileSync("test/fixtures/xgboost-import/3.2.0/partition.ubj")],
  ["an ONNX model", createTreeModel(3, 3)],
  ["an ONNX model of CatBoost", readFileSync("test/fixtures/onnx-import/catboost.onnx")],
  ["other JSON, which the reader of XGBoost models explains", Buffer.from('{"name": "facet"}')],
])("does not name %s", async (_, bytes) => {
  expect(await describeForeignModel(bytes)).toBeNull();
});

test("a gzip file is unpacked within a limit", () => {
  expect(Buffer.from(unpackGzip(gzipSync("model"))).toString()).toBe("model");
  expect(() => unpackGzip(gzipSync("model").subarray(0, 12))).toThrow(
    "the gzip file is damaged or incomplete",
  );
  expect(() => unpackGzip(gzipSync(Buffer.alloc(300_000_000)))).toThrow(
    "has more than 256 MB when it is unpacked",
  );
});
