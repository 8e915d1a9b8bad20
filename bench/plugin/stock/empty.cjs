/** The plugin of the variant `stock-empty`. The stock server loads every file of this directory as a plugin. */
class Empty {
  access() {}
}

module.exports = { Plugin: Empty, Name: "empty", Version: "1.0.0", Priority: 1, Schema: [] };
