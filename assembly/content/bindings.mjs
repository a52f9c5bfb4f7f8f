// An `asc --transform` that writes the custom section `as-bind_bindings`, from which as-bind learns the types of the
// exports. The transform that as-bind 0.8.2 ships was written against the compiler's internals of AssemblyScript 0.19; this
// one asks 0.28 for the same facts.
//
//   { typeIds: { NAME: { id, byteSize } }, importedFunctions: {}, exportedFunctions: { NAME: { returnType, parameters } } }
//
// NAME of a type is the compiler's internal name ("~lib/string/String") or that of a plain value ("i32").
import { Transform } from "assemblyscript/transform";

const ENTRY = "assembly/content/index";
const SECTION = "as-bind_bindings";

export default class Bindings extends Transform {
  afterCompile(module) {
    const typeIds = {};
    const nameOf = (type) => {
      const found = type.getClass();
      if (!found) return type.toString();
      typeIds[found.internalName] = { id: found.id, byteSize: found.nextMemoryOffset };
      return found.internalName;
    };

    // The host's converters build strings and the buffers behind typed arrays: they need these two whatever is exported.
    const { stringInstance, arrayBufferInstance } = this.program;
    nameOf(stringInstance.type);
    nameOf(arrayBufferInstance.type);

    const exportedFunctions = {};
    for (const [name, element] of this.program.filesByName.get(ENTRY).exports) {
      const signature = element.instances?.get("")?.signature;
      if (!signature) continue; // a constant: WebAssembly says all there is to know about it
      exportedFunctions[name] = {
        returnType: nameOf(signature.returnType),
        parameters: signature.parameterTypes.map(nameOf),
      };
    }

    const section = JSON.stringify({ typeIds, importedFunctions: {}, exportedFunctions });
    module.addCustomSection(SECTION, new TextEncoder().encode(section));
  }
}
