// The entities of API_MATERIAL_DOCUMENT_SRV and API_PRODUCT_SRV that are read, as SAP publishes them.
@requires: 'authenticated-user'
@path: '/odata/v4/API_MATERIAL_DOCUMENT_SRV'
service MaterialDocuments {
  entity A_MaterialDocumentHeader {
    key MaterialDocumentYear : String(4);
    key MaterialDocument : String(10);
    InventoryTransactionType : String(2);
    DocumentDate : Date;
    PostingDate : Date;
    CreationDate : Date;
    CreationTime : Time;
    CreatedByUser : String(12);
    ReferenceDocument : String(16);
    GoodsMovementCode : String(2);
    to_MaterialDocumentItem : Composition of many A_MaterialDocumentItem on to_MaterialDocumentItem.MaterialDocumentYear = $self.MaterialDocumentYear and to_MaterialDocumentItem.MaterialDocument = $self.MaterialDocument;
  }
  entity A_MaterialDocumentItem {
    key MaterialDocumentYear : String(4);
    key MaterialDocument : String(10);
    key MaterialDocumentItem : String(4);
    Material : String(40);
    Plant : String(4);
    StorageLocation : String(4);
    Batch : String(10);
    GoodsMovementType : String(3);
    InventoryStockType : String(2);
    InventoryValuationType : String(10);
    InventorySpecialStockType : String(1);
    Supplier : String(10);
    Customer : String(10);
    SalesOrder : String(10);
    PurchaseOrder : String(10);
    PurchaseOrderItem : String(5);
    Delivery : String(10);
    DeliveryItem : String(6);
    GoodsMovementReasonCode : String(4);
    IssgOrRcvgMaterial : String(40);
    IssuingOrReceivingPlant : String(4);
    IssuingOrReceivingStorageLoc : String(4);
    IsAutomaticallyCreated : String(1);
    GoodsMovementIsCancelled : Boolean;
    ReversedMaterialDocumentYear : String(4);
    ReversedMaterialDocument : String(10);
    ReversedMaterialDocumentItem : String(4);
    DebitCreditCode : String(1);
    QuantityInEntryUnit : Decimal(13, 3);
    EntryUnit : String(3);
    to_SerialNumbers : Composition of many A_SerialNumberMaterialDocument on to_SerialNumbers.MaterialDocumentYear = $self.MaterialDocumentYear and to_SerialNumbers.MaterialDocument = $self.MaterialDocument and to_SerialNumbers.MaterialDocumentItem = $self.MaterialDocumentItem;
  }
  entity A_SerialNumberMaterialDocument {
    key Material : String(40);
    key SerialNumber : String(18);
    key MaterialDocument : String(10);
    key MaterialDocumentItem : String(4);
    key MaterialDocumentYear : String(4);
    ManufacturerSerialNumber : String(30);
  }
}

@requires: 'authenticated-user'
@path: '/odata/v4/API_PRODUCT_SRV'
service Products {
  entity A_Product {
    key Product : String(40);
    ProductType : String(4);
    LastChangeDate : Date;
    to_Plant : Composition of many A_ProductPlant on to_Plant.Product = $self.Product;
  }
  entity A_ProductPlant {
    key Product : String(40);
    key Plant : String(4);
    SerialNumberProfile : String(4);
  }
}
