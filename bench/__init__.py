"""The benchmark: the product and its peers under the same load, on the same servers, in turns."""
